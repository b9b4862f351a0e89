"""A type for each kind of id, so that the type checker refuses one in the place of another.

They are plain integers when the program runs. An id is born where foreign data comes in: a row of the database, the
address or the body of a request, an argument of a command. Everywhere else it is handed on, never made of an `int`.
"""

from typing import NewType

ProjectId = NewType("ProjectId", int)
ClassId = NewType("ClassId", int)
ItemId = NewType("ItemId", int)
RoundId = NewType("RoundId", int)
CandidateId = NewType("CandidateId", int)
AnnotatorId = NewType("AnnotatorId", int)
InvitationId = NewType("InvitationId", int)
TokenId = NewType("TokenId", int)
LabelId = NewType("LabelId", int)
ChangeId = NewType("ChangeId", int)
"""Of a row of the history."""
AdjudicationId = NewType("AdjudicationId", int)
CheckId = NewType("CheckId", int)
"""Of a gold check."""
PageId = NewType("PageId", int)
"""Of a page of the grid."""
SliceId = NewType("SliceId", int)
BacktestId = NewType("BacktestId", int)
CertificateId = NewType("CertificateId", int)
WatchId = NewType("WatchId", int)
"""Of a watched source."""
ChannelId = NewType("ChannelId", int)
"""Of where messages of a project go."""
MessageId = NewType("MessageId", int)
