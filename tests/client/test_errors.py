from gateway.client.errors import CommandError, Muted, command_error
from gateway.core import errors as gateway_errors


def all_classes(base: type[CommandError]) -> set[type[CommandError]]:
    """Return a class and everything below it."""
    return {base}.union(*(all_classes(below) for below in base.__subclasses__()))


def test_a_known_code_has_its_class_and_any_other_is_a_command_error():
    """A program may catch what it means, and a newer gateway's codes are no surprise."""
    error = command_error("muted", "You may not speak.", retryable=False)
    assert (type(error), error.code, str(error)) == (Muted, "muted", "You may not speak.")
    error = command_error("of_tomorrow", "New.", retryable=True)
    assert (type(error), error.code, error.retryable) == (CommandError, "of_tomorrow", True)


def test_the_tree_is_a_part_of_the_gateways():
    """Each class stands below the same one as the error that the gateway raises."""
    theirs = {error.code: error for error in gateway_errors.error_classes()}
    for ours in all_classes(CommandError) - {CommandError}:
        assert ours.known_code is not None
        assert type(command_error(ours.known_code, "", retryable=False)) is ours
        parent = ours.__base__
        if parent is not CommandError:
            assert parent is not None
            assert parent.known_code == theirs[ours.known_code].__base__.code
