"""Convert the marked cells of a level-0 notebook to `problem.py`.

The notebook's code is parsed and never run. A module imports only from those above it:

    interface       the names that every problem defines
    result          the result of a conversion, and its messages
    cells           read the code cells of a notebook
    magics          translate IPython commands to Python
    statements      a top-level statement: the names that it defines and uses
    parsing         parse a cell into statements
    calls           what a call refers to
    side_effects    what a statement changes when it runs
    imports         select the imports of the problem
    needs           the names that the problem needs
    selection       select the statements of the problem
    validation      check that the problem is complete and defined once
    generated       the template's notebook and problem, to compare with
    trusted_types   the types that a model file contains and skops does not know
    adaptation      adapt the parts that only a package has to the user's model
    module          arrange the statements in a module
    formatting      fix, format and lint the module with ruff
    conversion      all of these steps, in order
"""

from .conversion import convert_notebook
from .imports import modules_in
from .result import Conversion, ConversionError

__all__ = ["Conversion", "ConversionError", "convert_notebook", "modules_in"]
