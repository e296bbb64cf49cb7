import Foundation
import Glibc
import SystemPackage
import Testing

@testable import ControlProcess

@Suite("The stack's bookkeeping")
struct StackTests {
    private func withFolder<R>(_ body: (FilePath) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "collider-home-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(FilePath(folder.path()))
    }

    @Test("A record names one process, and not whoever has its number later")
    func records() async throws {
        try await withFolder { folder in
            let file = folder.appending("one.pid")
            let mine = try #require(ProcessRecord(pid: getpid()))
            try mine.write(to: file)
            #expect(try ProcessRecord.read(file) == mine)
            #expect(mine.isAlive)
            // The same number with another start time is another process.
            try Files.write(Array("\(getpid()) 1\n".utf8), to: file, mode: .ownerReadWrite)
            #expect(try ProcessRecord.read(file)?.isAlive == false)
            #expect(try ProcessRecord.read(folder.appending("none.pid")) == nil)
        }
    }

    @Test("Secrets are made once, kept, and readable by their owner alone")
    func secrets() async throws {
        try await withFolder { folder in
            let home = try Home(folder.appending("home").string)
            try home.create()
            let first = try StackSecrets.loadOrCreate(in: home)
            let second = try StackSecrets.loadOrCreate(in: home)
            #expect(first.signingSecret == second.signingSecret)
            #expect(first.signingSecret.utf8.count == 64 && first.signingSecret != first.databasePassword)
            var status = stat()
            #expect(stat(home.secrets.string, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("A port that somebody listens on is not free")
    func ports() throws {
        let port = try Ports.free()
        #expect(Ports.isFree(port))
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let isListening = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(listener, 1) == 0
            }
        }
        #expect(isListening && !Ports.isFree(port))
    }

    @Test("A query value is encoded so that it comes back as it was")
    func percentEncoding() {
        for text in ["a b&c=d", "ümlaut/☃", "100%+", "plain-._~"] {
            #expect(PercentEncoding.encode(text).removingPercentEncoding == text)
        }
        #expect(PercentEncoding.encode("a b&c") == "a%20b%26c")
    }

    @Test("Deleting a folder does not follow links out of it")
    func removal() async throws {
        try await withFolder { folder in
            let inside = folder.appending("inside")
            let outside = folder.appending("outside.txt")
            try Files.makeDirectory(inside.appending("deep"), mode: 0o700)
            try Files.write([1], to: outside, mode: .ownerReadWrite)
            symlink(folder.string, inside.appending("link").string)
            try await Files.removeTree(inside)
            #expect(!Files.exists(inside) && Files.exists(outside))
        }
    }
}
