"""Makes the page: ``python dbt/page --output page.html``, with the Python that has dbt."""

import sys

from smokeball_page.command import main

if __name__ == "__main__":
    sys.exit(main())
