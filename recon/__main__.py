"""`python -m recon` is the same as the command `recon`."""

from recon.cli.main import run

if __name__ == "__main__":
    run()
