from alflow.notebook.features import choose as choose
from alflow.notebook.features import fit as fit
