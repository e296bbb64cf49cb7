import FoundationEssentials
import Runtime
import Testing

@Suite(".env.example")
struct EnvironmentExampleTests {
    private static let text: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: ".env.example"), encoding: .utf8)) ?? ""
    }()

    @Test(arguments: ConfigurationKey.all.map(\.name))
    func `lists a key after its sentence, with its default`(name: String) throws {
        let key = try #require(ConfigurationKey.all.first { $0.name == name })
        #expect(Self.text.contains("# \(key.sentence)\n#\(name)=\(key.defaultValue ?? "")\n"))
    }

    @Test func `lists no key that does not exist`() {
        let listed = Self.text.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("#"), !line.hasPrefix("# "), let end = line.firstIndex(of: "=") else { return nil }
            return String(line[line.index(after: line.startIndex)..<end])
        }
        #expect(listed == ConfigurationKey.all.map(\.name))
    }

    @Test func `every key has one sentence and a name of its own`() {
        #expect(Set(ConfigurationKey.all.map(\.name)).count == ConfigurationKey.all.count)
        #expect(ConfigurationKey.all.allSatisfy { $0.sentence.hasSuffix(".") && !$0.sentence.contains("\n") })
    }
}
