"""Small programs that show what becomes of a model; examples/README.md lists them."""
