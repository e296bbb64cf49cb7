import CoreMetrics
import Runtime
import Testing

@Suite("Prometheus text")
struct PrometheusTests {
    @Test func `a counter has help, type, the _total suffix and sorted labels`() {
        let metrics = PrometheusMetrics(descriptions: [MetricDescription("http.requests", "Requests answered.")])
        Counter(label: "http.requests", dimensions: [("status", "2xx"), ("route", "/a\"b\\c\nd")], factory: metrics)
            .increment(by: 3)
        #expect(
            metrics.text().contains(
                """
                # HELP http_requests_total Requests answered.
                # TYPE http_requests_total counter
                http_requests_total{route="/a\\"b\\\\c\\nd",status="2xx"} 3

                """))
    }

    @Test func `two objects with the same labels count into one series`() {
        let metrics = PrometheusMetrics()
        Counter(label: "a", dimensions: [("x", "1"), ("y", "2")], factory: metrics).increment()
        Counter(label: "a", dimensions: [("y", "2"), ("x", "1")], factory: metrics).increment()
        #expect(metrics.text().contains("a_total{x=\"1\",y=\"2\"} 2\n"))
    }

    @Test func `a timer is a cumulative histogram in seconds`() {
        let metrics = PrometheusMetrics()
        let timer = Timer(label: "wait", factory: metrics)
        timer.recordMilliseconds(3)
        timer.recordMilliseconds(40)
        timer.recordSeconds(99)
        let text = metrics.text()
        #expect(text.contains("# TYPE wait_seconds histogram\n"))
        #expect(text.contains("wait_seconds_bucket{le=\"0.0025\"} 0\nwait_seconds_bucket{le=\"0.005\"} 1\n"))
        #expect(text.contains("wait_seconds_bucket{le=\"0.05\"} 2\n"))
        #expect(text.contains("wait_seconds_bucket{le=\"30\"} 2\nwait_seconds_bucket{le=\"+Inf\"} 3\n"))
        #expect(text.contains("wait_seconds_sum 99.043\nwait_seconds_count 3\n"))
    }

    @Test func `gauges and meters hold the last value`() {
        let metrics = PrometheusMetrics()
        Gauge(label: "lag", dimensions: [("follower", "processor")], factory: metrics).record(7)
        let meter = Meter(label: "open", factory: metrics)
        meter.set(2.5)
        meter.decrement(by: 1)
        #expect(metrics.text().contains("lag{follower=\"processor\"} 7\n"))
        #expect(metrics.text().contains("# TYPE open gauge\nopen 1.5\n"))
    }

    @Test func `series beyond the bound are dropped and counted`() {
        let metrics = PrometheusMetrics(maximumSeries: 3)
        for user in 0..<10 { Counter(label: "c", dimensions: [("user", "\(user)")], factory: metrics).increment() }
        let text = metrics.text()
        #expect(text.split(separator: "\n").count { $0.hasPrefix("c_total{") } == 3)
        #expect(text.contains("metrics_dropped_series_total 7\n"))
    }

    @Test func `a name used with two kinds keeps the first`() {
        let metrics = PrometheusMetrics()
        Gauge(label: "x_total", factory: metrics).record(1)
        Counter(label: "x", factory: metrics).increment()
        #expect(metrics.text().contains("# TYPE x_total gauge\nx_total 1\n"))
    }
}
