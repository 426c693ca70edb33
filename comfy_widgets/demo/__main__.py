"""``python -m comfy_widgets.demo``."""

import sys

from comfy_widgets.demo.serve import main

if __name__ == "__main__":
    sys.exit(main())
