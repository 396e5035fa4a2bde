"""``python -m oncovivo``."""

from oncovivo.cli import main

if __name__ == "__main__":
    main()
