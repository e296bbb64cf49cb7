import JSONTree
import Testing

struct SuiteTests {
    @Test(arguments: SuiteCase.accepted)
    func `what every parser has to take is taken`(_ suiteCase: SuiteCase) throws {
        let document = try JSONDocument(suiteCase.bytes)
        #expect(document.root.source.allSatisfy { $0 != 0 })
    }

    @Test(arguments: SuiteCase.refused)
    func `what every parser has to refuse is refused`(_ suiteCase: SuiteCase) throws {
        let error = try #require(refusal(of: suiteCase.bytes))
        #expect((0...suiteCase.bytes.count).contains(error.offset))
    }

    @Test(arguments: SuiteCase.undecided)
    func `what is left to parsers is decided by the strict rules`(_ suiteCase: SuiteCase, _ code: JSONError.Code?) {
        #expect(refusal(of: suiteCase.bytes)?.code == code)
    }

    @Test(arguments: SuiteCase.overruled)
    func `what jsonb would lose or can't store is refused`(_ suiteCase: SuiteCase, _ code: JSONError.Code) {
        #expect(refusal(of: suiteCase.bytes)?.code == code)
    }
}
