"""The errors that a person can act on. Each message names the thing and the remedy; shells print it as it is."""


class AlflowError(Exception):
    """Root of everything alflow raises on purpose."""


class InvalidInputError(AlflowError):
    """Something given from outside cannot be used: a file, a setting, an argument, a factor of the wrong width."""


class NotFoundError(AlflowError):
    """A project, class, round, item or artifact that was named does not exist."""


class ConflictError(AlflowError):
    """What was asked contradicts the stored state: a second open round, a taken name, an undo in a closed round."""


class StoppedError(ConflictError):
    """A person has stopped the project, perhaps while a run went on."""


class UnavailableError(AlflowError):
    """Something needed is missing on this machine: an extra, model weights, a database that must be upgraded."""


class DeniedError(AlflowError):
    """Somebody may not do what they asked: a wrong password, a link that was used, a role that is too low."""


class TryLaterError(AlflowError):
    """Too many tries; `seconds` says after how long the next one counts."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds
