import Crypto
import CryptoExtras
import EventModel
import SerialLane
import Synchronization

/// Hashes passwords with scrypt (RFC 7914), which is slow and needs memory on purpose.
///
/// At most two at a time, each on a lane of its own, so that no flood of logins takes the processor or the memory from
/// everything else. Those that wait are counted: in all, and for each network, so that one network's flood leaves room
/// for everybody else.
public final class PasswordHasher: Sendable {
    /// What a hash costs.
    public struct Cost: Sendable, Equatable {
        /// Logarithm of N.
        public let logN: Int
        /// Block size r.
        public let blockSize: Int
        /// Parallelism p.
        public let parallelism: Int

        /// 32 MiB and three passes: of the equally good settings that OWASP names, one with little memory, because a
        /// gateway shares its machine.
        public static let usual = Cost(logN: 15, blockSize: 8, parallelism: 3)

        /// Makes a cost.
        public init(logN: Int, blockSize: Int, parallelism: Int) {
            self.logN = logN
            self.blockSize = blockSize
            self.parallelism = parallelism
        }
    }

    /// Too many wait already.
    public struct Overloaded: Error {}

    private struct Queue {
        var waiting = 0
        var networks: [String: Int] = [:]
        var turn = 0
    }

    private static let lanes = 2
    private static let maximumWaiting = 64
    private static let maximumWaitingOfNetwork = 8

    private let cost: Cost
    private let workers: [Worker]
    private let queue = Mutex(Queue())
    private let decoy: PasswordHash

    /// Makes a hasher.
    public init(cost: Cost = .usual) {
        self.cost = cost
        workers = (0..<Self.lanes).map { Worker(SerialLane("password-\($0)")) }
        decoy = PasswordHash(cost: cost, salt: Array(repeating: 0, count: 16), key: Array(repeating: 0, count: 32))
    }

    /// Hashes a password under a new salt.
    ///
    /// - Parameter network: who waits; see the limits above.
    /// - Throws: ``Overloaded``.
    public func hash(_ password: String, network: String) async throws -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let key = try await derive(password, salt: salt, cost: cost, network: network)
        return PasswordHash(cost: cost, salt: salt, key: key).text
    }

    /// Whether a password is the one that was hashed. Without a hash it takes as long, and is wrong.
    ///
    /// - Throws: ``Overloaded``.
    public func verify(_ password: String, _ stored: String?, network: String) async throws -> Bool {
        let hash = stored.flatMap { PasswordHash($0) }
        let compared = hash ?? decoy
        let key = try await derive(password, salt: compared.salt, cost: compared.cost, network: network)
        // In constant time.
        let start: UInt8 = key.count == compared.key.count ? 0 : 1
        let difference = zip(key, compared.key).reduce(start) { $0 | $1.0 ^ $1.1 }
        return hash != nil && difference == 0
    }

    private func derive(_ password: String, salt: [UInt8], cost: Cost, network: String) async throws -> [UInt8] {
        let lane: Int? = queue.withLock { queue in
            guard queue.waiting < Self.maximumWaiting,
                queue.networks[network, default: 0] < Self.maximumWaitingOfNetwork
            else { return nil }
            queue.waiting += 1
            queue.networks[network, default: 0] += 1
            queue.turn = (queue.turn + 1) % Self.lanes
            return queue.turn
        }
        guard let lane else { throw Overloaded() }
        defer {
            queue.withLock { queue in
                queue.waiting -= 1
                let left = queue.networks[network, default: 1] - 1
                queue.networks[network] = left == 0 ? nil : left
            }
        }
        return try await workers[lane].derive(Array(password.utf8), salt: salt, cost: cost)
    }
}

/// Derives on a lane of its own: the call takes a fifth of a second.
private actor Worker {
    private let lane: SerialLane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    init(_ lane: SerialLane) {
        self.lane = lane
    }

    func derive(_ password: [UInt8], salt: [UInt8], cost: PasswordHasher.Cost) throws -> [UInt8] {
        try KDF.Scrypt.deriveKey(
            from: password, salt: salt, outputByteCount: 32, rounds: 1 << cost.logN, blockSize: cost.blockSize,
            parallelism: cost.parallelism
        ).withUnsafeBytes { Array($0) }
    }
}

/// A hash as it is stored: `$scrypt$ln=15,r=8,p=3$salt$key` (the PHC string format).
struct PasswordHash: Equatable {
    let cost: PasswordHasher.Cost
    let salt: [UInt8]
    let key: [UInt8]

    init(cost: PasswordHasher.Cost, salt: [UInt8], key: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
            let salt = Base64.decode(String(parts[3])), let key = Base64.decode(String(parts[4]))
        else { return nil }
        let numbers = parts[2].split(separator: ",").map { $0.split(separator: "=") }
        guard numbers.count == 3, numbers.allSatisfy({ $0.count == 2 }), numbers.map({ $0[0] }) == ["ln", "r", "p"],
            let logN = Int(numbers[0][1]), let blockSize = Int(numbers[1][1]), let parallelism = Int(numbers[2][1]),
            (1...20).contains(logN), (1...32).contains(blockSize), (1...16).contains(parallelism)
        else { return nil }
        self.init(
            cost: PasswordHasher.Cost(logN: logN, blockSize: blockSize, parallelism: parallelism), salt: salt, key: key)
    }

    var text: String {
        "$scrypt$ln=\(cost.logN),r=\(cost.blockSize),p=\(cost.parallelism)$\(Base64.encode(salt))$\(Base64.encode(key))"
    }
}
