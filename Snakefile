# All notebooks; `nslib verify` then compares them. What has not changed in content does not rerun.
#
#   make reproduce                                      two cores, the defaults of their parameters cells
#   make reproduce PRESET=paper                         parameters of the paper
#   snakemake --profile profiles/slurm --config preset=paper        on a cluster
#   snakemake --profile profiles/local build/notebooks/paper/02_decomposition_search.ipynb
#
# A notebook runs again when its own file changes, its parameters in the preset, nslib or what the
# companion shares, a file in the folder of its experiment, the pinned versions, the data in
# NSLIB_DATA (where it can read them), or records that it shows beside its own. While it runs, its
# copy grows beside its log in build/logs; only a whole one goes to build/notebooks.

import functools
import os
from pathlib import Path

from nslib import checks
from companion import job_resources, notebooks, pipeline, presets, sources


workdir: workflow.basedir


ROOT = Path(workflow.basedir)
PRESET = checks.one_of(config.get("preset", "quick"), "preset", presets.NAMES)
NOTEBOOKS = notebooks.find(ROOT)


def relative(files):
    return [str(file.relative_to(ROOT)) for file in files]


SOURCES = {name: relative(sources.of_notebook(path)) for name, path in NOTEBOOKS.items()}


def data_checksum(wildcards):
    """Checksum of the folder NSLIB_DATA, where it is set and the notebook can read it."""
    folder = os.environ.get("NSLIB_DATA")
    if not folder or not sources.reads_data(NOTEBOOKS[wildcards.name]):
        return ""
    return sources.checksum([Path(folder)], Path(folder))


def paper_records(wildcards):
    """The committed records of the paper's preset, which its own notebooks write."""
    if wildcards.preset == "paper":
        return []
    return relative(sorted(ROOT.glob("results/paper/**/*.json")))


def shown_records(wildcards):
    """What a notebook shows beside its own records: the claims and the committed records.

    Claims are judged by those of both presets: the notebook that shows them waits for no other.
    """
    if notebooks.shows_claims(NOTEBOOKS[wildcards.name]):
        records = sorted(ROOT.glob("results/*/**/*.json"))
        return ["claims.yaml", *relative(file for file in records
                                         if file.parent.name != wildcards.name)]
    shows = notebooks.shows_paper_records(NOTEBOOKS[wildcards.name])
    return paper_records(wildcards) if shows else []


@functools.cache
def needs(name, preset):
    return job_resources.of_notebook(NOTEBOOKS[name], preset)


def needed(what, growing=True):
    """What a cluster should give: with each attempt more of what a job can be killed for."""

    def amount(wildcards, attempt):
        value = getattr(needs(wildcards.name, wildcards.preset), what)
        return attempt * value if growing else value

    return amount


# `make reproduce` removes what a killed Snakemake left; this lock says that one lives.
onstart:
    pipeline.join(ROOT)


wildcard_constraints:
    preset="|".join(presets.NAMES),
    name="|".join(NOTEBOOKS),


localrules:
    all,


rule all:
    input:
        expand(f"build/notebooks/{PRESET}/{{name}}.ipynb", name=NOTEBOOKS),


# Snakemake sets OMP_NUM_THREADS and its kin from `threads`.
rule notebook:
    input:
        notebook="notebooks/{name}.ipynb",
        sources=lambda wildcards: SOURCES[wildcards.name],
        versions="constraints.txt",
        records=shown_records,
    params:
        values=lambda wildcards: presets.check(NOTEBOOKS[wildcards.name], wildcards.preset),
        data=data_checksum,
    output:
        "build/notebooks/{preset}/{name}.ipynb",
    log:
        "build/logs/{preset}/{name}.log",
    threads: 1
    resources:
        mem_mb=needed("memory_mb"),
        runtime=needed("minutes"),
        cpus_per_task=needed("processes", growing=False),  # each computes with one thread
    shell:
        "nslib run {wildcards.name} --preset {wildcards.preset}"
