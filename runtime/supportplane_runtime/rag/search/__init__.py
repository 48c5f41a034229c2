"""A question to ranked evidence and the confidence in it, by several searches of the index that are fused."""
