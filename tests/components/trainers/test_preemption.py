"""SIGTERM inside and outside of a stoppable block."""

import os
import signal
import threading

import pytest

from components.trainers.preemption import StopRequest


@pytest.fixture
def received():
    """Signals that come through to the handler around the block."""
    signals = []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
    yield signals
    signal.signal(signal.SIGTERM, previous)


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def test_signal_becomes_a_flag(received):
    with pytest.raises(KeyError), StopRequest() as stop:
        assert not stop.requested
        terminate()
        assert stop.requested and not received
        raise KeyError  # the loop's way out
    assert not received


def test_signal_that_nobody_honoured_is_passed_on(received):
    with StopRequest():
        terminate()
    assert received == [signal.SIGTERM]


def test_handler_is_given_back(received):
    with StopRequest():
        pass
    terminate()
    assert received == [signal.SIGTERM]


def test_other_threads_leave_signals_alone(received):
    def block():
        with StopRequest():
            pass

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    terminate()
    assert received == [signal.SIGTERM]
