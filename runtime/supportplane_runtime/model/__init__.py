"""The chat model behind one interface; any OpenAI-compatible server (llama.cpp, TGI, vLLM) answers it."""
