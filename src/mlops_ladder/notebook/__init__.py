"""The notebook comes along: what its marked cells say becomes `problem.py`.

Nothing of the notebook is run; its code is only read. From the bottom up:

    interface, outcome      what every problem has; what comes of a notebook
    cells                   a notebook's file becomes cells
    statements, splitting   what a statement defines and needs; a cell's code becomes statements
    effects, choosing       what a statement does when it runs; which ones are the problem
    checking, importing     what would break the problem in a module; the imports that it needs
    generated               what the template makes, to compare with
    adapting, trusted_types what only a package has, made to fit the person's model
    composing, style        the statements become a module, in the project's shape
    carrying                all of it, one after the other
"""

from .carrying import carry_over
from .importing import modules_in
from .outcome import CarriedOver

__all__ = ["CarriedOver", "carry_over", "modules_in"]
