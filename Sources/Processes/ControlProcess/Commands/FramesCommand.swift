import ArgumentParser
import EventModel
import FrameModel
import FrameRing
import JSONTree
import Runtime

struct FramesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frames",
        abstract: "Shows the state of the ring, and frames.",
        discussion: """
            Reads the ring at RING_PATH. Without options it shows the ring's state and its newest frames.

            EXAMPLES:
              collider frames
              collider frames --limit 100
              collider frames --follow --json
            """)

    @Flag(help: "Go on with each new frame until interrupted.")
    var follow = false

    @Flag(help: "One JSON object a line, without the ring's state.")
    var json = false

    @Option(help: "How many of the newest frames to show first.")
    var limit = 10

    @Option(help: "Path of the ring [default: RING_PATH].")
    var path: String?

    func validate() throws {
        guard (0...1_000_000).contains(limit) else { throw ValidationError("--limit takes 0 to 1000000") }
    }

    func run() async throws {
        let configured = try await ColliderConfiguration.load().ring.path
        let reader: RingReader
        do {
            reader = try RingReader(path: path ?? configured)
        } catch {
            throw CommandError("\(error)")
        }
        if !json { printState(of: reader) }
        reader.seekLast(limit)
        for frame in reader.read(upTo: limit) { show(frame) }
        guard follow else { return }
        for await frame in reader.follow() { show(frame) }
    }

    private func printState(of reader: RingReader) {
        let status = reader.status
        let readable = status.head - status.tail
        let age = Timestamp.now().microseconds - status.heartbeat.microseconds
        let writer = age < 5_000_000 ? "alive" : "silent for \(age / 1_000_000) s"
        Terminal.line(
            """
            Ring      \(reader.path)
            Capacity  \(status.capacity) frames, \(readable) readable, \(status.head) published
            Writer    \(writer), start \(status.writerEpoch), heartbeat \(status.heartbeat.rfc3339)

            """)
        Terminal.line(
            "FRAME".padded(to: 10) + "EVENT".padded(to: 38) + "TIME".padded(to: 29) + "TYPE NO".padded(to: 9)
                + "VELOCITY")
    }

    private func show(_ frame: Frame) {
        guard json else {
            return Terminal.line(
                String(frame.id).padded(to: 10) + frame.eventID.description.padded(to: 38)
                    + frame.time.rfc3339.padded(to: 29) + String(frame.intentID).padded(to: 9) + "\(frame.velocity)")
        }
        var writer = JSONWriter()
        writer.object {
            $0.member("frame_id", Int64(clamping: frame.id))
            $0.member("event_id", frame.eventID.description)
            $0.member("time", frame.time.rfc3339)
            $0.member("intent_id", Int(frame.intentID))
            $0.member("conversation_hash", String(frame.conversationHash))
            $0.member("delta_time", Double(frame.deltaTime))
            $0.member("duration_ms", Double(frame.durationMilliseconds))
            $0.member("velocity", Double(frame.velocity))
            $0.member("fill_rate", Double(frame.fillRate))
            $0.key("semantic_head")
            $0.array { array in frame.semantic.prefix(8).forEach { array.double(Double($0)) } }
        }
        Terminal.line(String(decoding: writer.bytes, as: UTF8.self))
    }
}
