"""One strategy a file: parameters, settle length, wanted side, exits."""
