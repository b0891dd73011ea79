"""Makes the small task importable by the tests beside it and by their child processes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
