"""`cote`: the command line. Each module holds one group of commands, and `main` lists them."""
