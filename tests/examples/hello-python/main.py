"""Says which file runs, and where."""

import os
import platform

print("This is main.py")
print(f"It runs in {os.getcwd()} with Python {platform.python_version()}.")
print(f"The machine calls itself {platform.node()}: that is the container.")
