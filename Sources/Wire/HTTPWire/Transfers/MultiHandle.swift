import CCurl

/// Owner of one multi handle and so of its pool of connections. Transfers are taken out before it is freed.
// Sendable, because its loop's other side calls `wakeUp`, the one function of libcurl that any thread may call; all
// else is called on the loop's lane.
final class MultiHandle: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer

    /// Before the first handle; libcurl keeps count, and its state lives as long as the process.
    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(maximumIdleConnections: Int) {
        guard Self.isInitialised, let made = curl_multi_init() else {
            preconditionFailure("libcurl can't be initialised: out of memory")
        }
        pointer = made
        collider_curl_multi_set_long(made, CURLMOPT_MAXCONNECTS, maximumIdleConnections)
    }

    deinit {
        curl_multi_cleanup(pointer)
    }

    func add(_ transfer: Transfer) -> Bool { curl_multi_add_handle(pointer, transfer.easy) == CURLM_OK }

    func remove(_ transfer: Transfer) {
        curl_multi_remove_handle(pointer, transfer.easy)
    }

    /// Does what can be done without waiting.
    func perform() {
        var running: Int32 = 0
        curl_multi_perform(pointer, &running)
    }

    /// Waits for a socket, for libcurl's next time limit, or for ``wakeUp()``.
    func wait() {
        curl_multi_poll(pointer, nil, 0, 1_000, nil)
    }

    /// Ends a wait, the present or else the next; from any thread.
    func wakeUp() {
        curl_multi_wakeup(pointer)
    }

    /// The next transfer that has ended, and how.
    func nextResult() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(pointer, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, collider_curl_result(message))
        }
        return nil
    }
}
