"""The command line: `python -m collider.consumer`."""

import argparse
import json
import os
import sys
from collections.abc import Iterable

from .consumer import DEFAULT_PATH, PhysicsConsumer
from .frame import Frame
from .ring import RingError

_EXAMPLES = """examples:
  python -m collider.consumer --follow                 the last ten frames, then each as it comes
  python -m collider.consumer --batch 100 --json       the newest hundred, one JSON object a line
  python -m collider.consumer --pytorch --device cuda  the newest thousand as tensors
"""
_COLUMNS = "{:>9}  {:<23}  {:<16}  {:>6}  {:>6}  {:>9}  {:>8}  {:>5}  {:>5}  {:<36}"
_TITLES = ("frame", "time", "conversation", "intent", "actor", "since", "per min", "fill", "sent", "event")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        # With `python -m collider.consumer` that module runs twice, once as __main__; this is its importable twin.
        with PhysicsConsumer(options.path) as consumer:
            if not options.json:
                print(_summary(consumer))
            if options.pytorch:
                return _show_tensors(consumer, options.last or 1000, options.device, as_json=options.json)
            consumer.seek_last(options.batch if options.batch is not None else options.last or 10)
            if options.batch is not None:
                _show(map(Frame.from_record, consumer.read_batch(options.batch)), options)
                return 0
            try:
                _show(consumer.follow(idle_timeout=options.idle_timeout), options)
            except KeyboardInterrupt:
                print(f"\n{consumer.lost} frames lost", file=sys.stderr)
            return 0
    except BrokenPipeError:
        # Whoever read the output has gone; what Python would still flush at its exit has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (RingError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m collider.consumer",
        description="Shows the frames of Collider's shared-memory ring.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--follow", action="store_true", help="show the last frames, then each new one, until Ctrl-C")
    mode.add_argument("--batch", type=_count, metavar="N", help="show the newest N frames and end")
    mode.add_argument("--pytorch", action="store_true", help="read the newest frames as tensors and show their shapes")
    parser.add_argument("--path", help=f"the ring's file (default: RING_PATH, else {DEFAULT_PATH})")
    parser.add_argument("--last", type=_count, metavar="N", help="begin with the newest N (10, --pytorch 1000)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for other programs")
    parser.add_argument("--semantic", action="store_true", help="with --json: the embedding too")
    parser.add_argument(
        "--device", default=None, help="with --pytorch: where to put the tensors (default: cuda, else cpu)"
    )
    parser.add_argument("--idle-timeout", type=float, metavar="S", help="with --follow: end after S quiet seconds")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _summary(consumer: PhysicsConsumer) -> str:
    age = consumer.heartbeat_age
    writer = "writing" if age < 5 else f"silent for {age:.0f} s"
    return (
        f"{consumer.path}: {consumer.head:,} frames written, room for {consumer.capacity:,}; "
        f"writer {consumer.writer_epoch} {writer}"
    )


def _show(frames: Iterable[Frame], options: argparse.Namespace) -> None:
    if not options.json:
        print(_COLUMNS.format(*_TITLES))
    for frame in frames:
        print(json.dumps(frame.as_dict(semantic=options.semantic)) if options.json else _line(frame), flush=True)


def _line(frame: Frame) -> str:
    since = frame.seconds_since_previous
    return _COLUMNS.format(
        frame.frame_id,
        frame.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if frame.time else str(frame.timestamp_us),
        f"{frame.conversation_hash:016x}" if frame.conversation_hash else "-",
        frame.intent_id,
        frame.actor,
        f"{since:.3g} s" if since is not None else "first",
        f"{frame.velocity:.0f}",
        f"{frame.fill_rate:.2f}",
        f"{frame.sentiment:+.2f}",
        str(frame.event_id),
    )


def _show_tensors(consumer: PhysicsConsumer, count: int, device: str | None, *, as_json: bool) -> int:
    consumer.seek_last(count)
    device = device or _default_device()
    try:
        tensors = consumer.read_tensors(count, device=device)
    except (RuntimeError, AssertionError) as error:
        # What PyTorch says of a device that there is none like, or that it was built without.
        print(f"error: --device {device}: {str(error).partition(chr(10))[0]}", file=sys.stderr)
        return 1
    for name, tensor in tensors.items():
        shape = list(tensor.shape)
        kind = str(tensor.dtype).removeprefix("torch.")
        if as_json:
            print(json.dumps({"name": name, "shape": shape, "dtype": kind, "device": str(tensor.device)}))
        else:
            print(f"{name:<20} {kind:<8} {shape!s:<14} {tensor.device}")
    return 0


def _default_device() -> str:
    try:
        import torch
    except ImportError:
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"
