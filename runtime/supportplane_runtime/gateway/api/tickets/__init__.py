"""Reading and closing tickets."""
