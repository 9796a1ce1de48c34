"""The catalogue of models, and data against schema and rules.

    check_storyboard(data)           keys, types, ranges of a whole storyboard
    open_catalogue(overrides)        what is known of vendors and models
    check_shot(catalogue, fields)    a resolved shot against its model's rules
    check_media(catalogue, …)        its local media, measured, against the vendor's limits

Answers are `Complaint`s with paths into the data they were given; whoever knows the files turns
them into problems with a line and a column.
"""

from runner.schema.catalogue import Catalogue, open_catalogue
from runner.schema.complaint import Complaint, did_you_mean
from runner.schema.data import data_file
from runner.schema.shots import check_shot
from runner.schema.structure import check_storyboard

__all__ = [
    "Catalogue",
    "Complaint",
    "check_shot",
    "check_storyboard",
    "data_file",
    "did_you_mean",
    "open_catalogue",
]
