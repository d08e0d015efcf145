"""_tensorflow.py: TensorFlow, quiet, for tests that compare with it; without it they are skipped."""
import os

from _shoal import SKIP

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
try:
    import tensorflow as tf
except ImportError:
    print("not tried: there is no tensorflow package")
    raise SystemExit(SKIP)
