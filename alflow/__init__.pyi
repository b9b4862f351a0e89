from alflow.notebook.features import choose as choose
from alflow.notebook.features import fit as fit
from alflow.notebook.head import load_head as load_head
