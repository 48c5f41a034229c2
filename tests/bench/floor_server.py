"""The floor: bare FastAPI that reads the same question and answers the same shape, and does nothing in between.

``python floor_server.py PORT``; started by test_turn_cost.py so that both are measured in one run.
"""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Question(BaseModel):
    query: str
    user_id: str


app = FastAPI()
REPLY: dict[str, Any] = {"response": "ok " * 60, "sources": [], "confidence": 0.5, "ticket_id": None}


@app.post("/api/v1/query")
async def query(question: Question) -> dict[str, Any]:
    return REPLY | {"conversation_id": question.user_id}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
