"""The native module: what it borrows, and how its failures look from Python."""

from ferryman import _native


def test_native_error_is_an_exception_of_its_own():
    assert issubclass(_native.NativeError, Exception)
