"""_spark.py: Spark on this machine, brought by tools/fetch.sh, for tests that compare with it."""
import contextlib
import os
import subprocess
import sys
import traceback

from _shoal import SRC, TMP


@contextlib.contextmanager
def spark_session(**settings):
    """A SparkSession of two threads that ends with the block, its Java process too."""
    home = subprocess.run(["sh", str(SRC / "tools/fetch.sh"), "spark"], stdout=subprocess.PIPE, text=True)
    if home.returncode != 0:
        sys.exit("Spark could not be fetched")
    home = home.stdout.strip()
    os.environ.update(SPARK_HOME=home, PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1", SPARK_LOCAL_DIRS=str(TMP / "local"))
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--driver-memory 700m --driver-java-options -Djava.io.tmpdir={TMP} pyspark-shell"
    py4j = next(name for name in os.listdir(f"{home}/python/lib") if name.startswith("py4j"))
    sys.path[:0] = [f"{home}/python", f"{home}/python/lib/{py4j}"]
    from pyspark.sql import SparkSession
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    for name, value in {"spark.sql.session.timeZone": "UTC", "spark.sql.warehouse.dir": str(TMP / "warehouse"), **settings}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._gateway.proc
    try:
        yield spark
    except Exception:
        traceback.print_exc()  # while Java is there to say what happened
        sys.exit(1)
    finally:
        spark.stop()
        java.stdin.close()  # by which its gateway knows that Python is gone
        java.wait(timeout=60)
