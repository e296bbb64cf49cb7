import EventStore
import Testing

@testable import Identity

@Suite("Passwords")
struct PasswordTests {
    private static let cheap = PasswordHasher.Cost(logN: 4, blockSize: 8, parallelism: 1)

    @Test("A password is its own and no other, and two hashes of it differ")
    func hashing() async throws {
        let hasher = PasswordHasher(cost: Self.cheap)
        let hash = try await hasher.hash("correct horse", network: "a")
        #expect(hash.hasPrefix("$scrypt$ln=4,r=8,p=1$") && !hash.contains("horse"))
        #expect(try await hasher.verify("correct horse", hash, network: "a"))
        #expect(try await hasher.hash("correct horse", network: "a") != hash)
        for wrong in ["correct hors", "correct horse ", "Correct horse", ""] {
            #expect(try await !hasher.verify(wrong, hash, network: "a"))
        }
        // Made at another cost, and by nobody.
        let dearer = PasswordHasher(cost: PasswordHasher.Cost(logN: 5, blockSize: 8, parallelism: 1))
        #expect(try await dearer.verify("correct horse", hash, network: "a"))
        #expect(try await !hasher.verify("correct horse", nil, network: "a"))
        for damaged in ["", "$scrypt$", "$scrypt$ln=99,r=8,p=1$AAAA$AAAA", String(hash.dropLast(3)), "plain"] {
            #expect(try await !hasher.verify("correct horse", damaged, network: "a"), "\(damaged)")
        }
    }

    @Test("The vector of RFC 7914")
    func vector() async throws {
        // §12: "pleaseletmein", "SodiumChloride", N 16384, r 8, p 1; the first 32 of its 64 bytes.
        let stored = PasswordHash(
            cost: PasswordHasher.Cost(logN: 14, blockSize: 8, parallelism: 1), salt: Array("SodiumChloride".utf8),
            key: [
                0x70, 0x23, 0xbd, 0xcb, 0x3a, 0xfd, 0x73, 0x48, 0x46, 0x1c, 0x06, 0xcd, 0x81, 0xfd, 0x38, 0xeb,
                0xfd, 0xa8, 0xfb, 0xba, 0x90, 0x4f, 0x8e, 0x3e, 0xa9, 0xb5, 0x43, 0xf6, 0x54, 0x5d, 0xa1, 0xf2,
            ])
        #expect(try await PasswordHasher(cost: Self.cheap).verify("pleaseletmein", stored.text, network: "a"))
    }

    @Test("A flood from one network is refused, and leaves room for another")
    func flood() async throws {
        let hasher = PasswordHasher(cost: PasswordHasher.Cost(logN: 12, blockSize: 8, parallelism: 1))
        let (refused, others) = try await withThrowingTaskGroup(of: (Bool, Bool).self) { group in
            for number in 0..<60 {
                let network = number < 56 ? "flood" : "other \(number)"
                group.addTask {
                    do {
                        _ = try await hasher.hash("correct horse", network: network)
                        return (false, number >= 56)
                    } catch is PasswordHasher.Overloaded {
                        return (true, false)
                    }
                }
            }
            return try await group.reduce(into: (0, 0)) { total, one in
                total.0 += one.0 ? 1 : 0
                total.1 += one.1 ? 1 : 0
            }
        }
        #expect(refused > 0 && others == 4)
        #expect(try await hasher.hash("correct horse", network: "flood").isEmpty == false, "and it ends")
    }

    @Test("What may be chosen")
    func rules() {
        func flaw(_ password: String) -> String? {
            AccountRules.flaw(ofPassword: password, username: "alice-in-chains", email: "alice@example.com")
        }
        for good in ["correct horse", "päßwörter", "12 34 56 78", String(repeating: "ab3", count: 80)] {
            #expect(flaw(good) == nil, "\(good)")
        }
        for bad in [
            "", "short12", "Password123", "aaaaaaaaaaaa", "abababab", "alice@example.com", "ALICE-in-chains",
            String(repeating: "abc", count: 100),
        ] { #expect(flaw(bad) != nil, "\(bad)") }
        for good in ["a@b", "alice@example.com", "ü@example.com", "a+b@x.y"] {
            #expect(AccountRules.flaw(ofEmail: good) == nil, "\(good)")
        }
        for bad in ["", "a", "@b", "a@", "a@@b", "a b@c", "a@b\n", "a@.b", String(repeating: "a", count: 255) + "@b"] {
            #expect(AccountRules.flaw(ofEmail: bad) != nil, "\(bad)")
        }
        #expect(AccountRules.flaw(ofName: "Acme, Inc.") == nil && AccountRules.flaw(ofName: " a") != nil)
        #expect(AccountRules.flaw(ofName: "") != nil && AccountRules.flaw(ofName: "a\u{7}") != nil)
    }

    @Test("Addresses of version 6 are counted by their network")
    func networks() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
            ("2001:db8::1", "2001:db8:0:0"), ("2001:db8:1:2::1", "2001:db8:1:2"), ("::1", "0:0:0:0"), ("", ""),
            ("1::2:3:4:5:6:7", "1:0:2:3"),
        ] { #expect(LoginGuard.network(of: address) == network, "\(address)") }
    }
}
