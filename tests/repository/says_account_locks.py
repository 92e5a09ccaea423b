"""Says where this process would lock accounts."""

import sys

from core.config.folders import account_locks

sys.stdout.write(f"{account_locks()}\n")
