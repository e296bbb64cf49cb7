import ActionModel
import Synchronization

/// Takes the pieces of a model's answer on the client's lane, for the task that asked.
final class ChatCollector: Sendable {
    private let stream = Mutex(ChatStream())

    func take(_ piece: [UInt8]) -> Bool {
        stream.withLock { $0.take(piece) }
    }

    func finish() -> Result<ChatCompletion, ChatProblem> {
        stream.withLock { stream in
            do throws(ChatProblem) {
                return .success(try stream.finish())
            } catch {
                return .failure(error)
            }
        }
    }
}
