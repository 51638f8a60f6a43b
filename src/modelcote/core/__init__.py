"""The words of modelcote: pure values and their rules, on the standard library alone."""
