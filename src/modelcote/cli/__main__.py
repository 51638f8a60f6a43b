"""`python -m modelcote.cli`."""

from modelcote.cli.main import app

if __name__ == "__main__":
    app()
