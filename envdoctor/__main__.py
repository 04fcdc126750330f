"""`python -m envdoctor` is the command."""

from envdoctor.cli.app import main

if __name__ == "__main__":
    main()
