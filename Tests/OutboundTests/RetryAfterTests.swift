import EventModel
import Testing

@testable import Outbound

@Suite("The header Retry-After")
struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    private let now = Timestamp(microseconds: 784_111_777_000_000)

    @Test("Seconds are read, and absurdly many are many")
    func secondsAreRead() {
        #expect(RetryAfter.seconds("0", now: now) == 0)
        #expect(RetryAfter.seconds("120", now: now) == 120)
        #expect(RetryAfter.seconds("99999999999999999999999", now: now) == .max)
    }

    @Test("A date is the wait until then, and none when it has passed")
    func datesAreRead() {
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", now: now) == 0)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:50:37 GMT", now: now) == 60)
        #expect(RetryAfter.seconds("Mon, 07 Nov 1994 08:49:37 GMT", now: now) == 86_400)
        #expect(RetryAfter.seconds("Sat, 06 Nov 1993 08:49:37 GMT", now: now) == 0)
    }

    @Test(
        "Anything else is no wait at all",
        arguments: [
            "", "-1", "+5", "1.5", "soon", "٣", "5 ", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Noz 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 25:49:37 GMT",
        ])
    func othersAreRefused(_ value: String) {
        #expect(RetryAfter.seconds(value, now: now) == nil)
    }
}
