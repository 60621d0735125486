"""`python -m raymeta`."""

from raymeta.cli.command_line import command

if __name__ == "__main__":
    command()
