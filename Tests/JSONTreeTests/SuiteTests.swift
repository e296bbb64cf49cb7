import JSONTree
import Testing

struct SuiteTests {
    @Test("What every parser has to take is taken", arguments: SuiteCase.accepted)
    func accepted(_ suiteCase: SuiteCase) throws {
        let document = try JSONDocument(suiteCase.bytes)
        #expect(document.root.source.allSatisfy { $0 != 0 })
    }

    @Test("What every parser has to refuse is refused", arguments: SuiteCase.refused)
    func refused(_ suiteCase: SuiteCase) throws {
        let error = try #require(refusal(of: suiteCase.bytes))
        #expect((0...suiteCase.bytes.count).contains(error.offset))
    }

    @Test("What is left to parsers is decided by the strict rules", arguments: SuiteCase.undecided)
    func undecided(_ suiteCase: SuiteCase, _ code: JSONError.Code?) {
        #expect(refusal(of: suiteCase.bytes)?.code == code)
    }

    @Test("What jsonb would lose or can't store is refused", arguments: SuiteCase.overruled)
    func overruled(_ suiteCase: SuiteCase, _ code: JSONError.Code) {
        #expect(refusal(of: suiteCase.bytes)?.code == code)
    }
}
