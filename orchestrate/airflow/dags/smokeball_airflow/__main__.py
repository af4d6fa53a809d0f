"""Print the pools of ``smokeball.yml`` for ``airflow pools import``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from smokeball_airflow.config import ConfigError, Deployment

if __name__ == "__main__":
    try:
        pools = Deployment.read(Path(sys.argv[1] if sys.argv[1:] else "smokeball.yml")).pools
    except ConfigError as error:
        sys.exit(str(error))
    json.dump(pools, sys.stdout, indent=2)
    sys.stdout.write("\n")
