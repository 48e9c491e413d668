import RedisClient
import Testing

@Suite("The address of a Redis server")
struct RedisAddressTests {
    struct Good: Sendable, CustomTestStringConvertible {
        let url: String
        let address: RedisAddress
        /// What `description` says; nil: the URL itself.
        var shown: String?
        var testDescription: String { url }
    }

    static let good: [Good] = [
        Good(url: "redis://localhost:6379", address: .tcp("localhost")),
        Good(url: "redis://localhost", address: .tcp("localhost"), shown: "redis://localhost:6379"),
        Good(url: "REDIS://localhost", address: .tcp("localhost"), shown: "redis://localhost:6379"),
        Good(url: "redis://localhost:", address: .tcp("localhost"), shown: "redis://localhost:6379"),
        Good(url: "redis://10.0.0.7:6380/3", address: .tcp("10.0.0.7", 6380, database: 3)),
        Good(url: "redis://h:1/", address: .tcp("h", 1), shown: "redis://h:1"),
        Good(url: "redis://h:1?db=4", address: .tcp("h", 1, database: 4), shown: "redis://h:1/4"),
        Good(url: "redis://h:1/4?db=4", address: .tcp("h", 1, database: 4), shown: "redis://h:1/4"),
        Good(url: "redis://my_redis.internal-1:1", address: .tcp("my_redis.internal-1", 1)),
        Good(url: "redis://[::1]:6380", address: .tcp("::1", 6380)),
        Good(url: "redis://[fe80::1%eth0]", address: .tcp("fe80::1%eth0"), shown: "redis://[fe80::1%eth0]:6379"),
        Good(url: "rediss://h:6380", address: .tcp("h", 6380, tls: true)),
        Good(
            url: "redis://fb:p%40ss%2Fw%23rd@127.0.0.1:6379/0",
            address: .tcp("127.0.0.1", user: "fb", password: "p@ss/w#rd"),
            shown: "redis://fb:***@127.0.0.1:6379"
        ),
        Good(
            url: "rediss://:a/b+C==@cache.example.net:6380",
            address: .tcp("cache.example.net", 6380, password: "a/b+C==", tls: true),
            shown: "rediss://:***@cache.example.net:6380"
        ),
        Good(
            url: "redis://u:a:b@c?d#e@h",
            address: .tcp("h", user: "u", password: "a:b@c?d#e"),
            shown: "redis://u:***@h:6379"
        ),
        Good(url: "redis://u:@h", address: .tcp("h", user: "u", password: ""), shown: "redis://u:***@h:6379"),
        Good(url: "redis://@h", address: .tcp("h"), shown: "redis://h:6379"),
        Good(url: "redis://:@h", address: .tcp("h"), shown: "redis://h:6379"),
        Good(
            url: "redis://%C3%BC:%25@h",
            address: .tcp("h", user: "ü", password: "%"),
            shown: "redis://ü:***@h:6379"
        ),
        Good(url: "unix:///run/redis.sock", address: .unix("/run/redis.sock")),
        Good(url: "unix:///run/redis.sock?db=2", address: .unix("/run/redis.sock", database: 2)),
        Good(url: "unix:///run/a%20b", address: .unix("/run/a b"), shown: "unix:///run/a b"),
        Good(url: "unix:///run/a@b", address: .unix("/run/a@b")),
        Good(
            url: "unix://u:s/e@/run/redis.sock",
            address: .unix("/run/redis.sock", user: "u", password: "s/e"),
            shown: "unix://u:***@/run/redis.sock"
        ),
        Good(
            url: "unix:///" + String(repeating: "x", count: 106),
            address: .unix("/" + String(repeating: "x", count: 106))
        ),
    ]

    @Test("reads every form that is documented, and shows it without the password", arguments: good)
    func parses(_ example: Good) throws {
        let address = try RedisAddress(example.url)
        #expect(address == example.address)
        #expect(address.description == example.shown ?? example.url)
    }

    static let bad: [(String, RedisAddressError.Code)] = [
        ("", .scheme), ("localhost:6379", .scheme), ("http://u:SECRET@h", .scheme), ("SECRET://h", .scheme),
        ("redis:/h", .scheme), ("redis:///0", .host), ("redis://:SECRET@", .host), ("redis://h o:1", .host),
        ("redis://::1", .host), ("redis://[::1", .host), ("redis://[::1]SECRET", .host), ("redis://[h]:1", .host),
        ("redis://u:SECRET", .port), ("redis://h:0", .port), ("redis://h:65536", .port), ("redis://h:-1", .port),
        ("redis://h:+1", .port), ("redis://h:99999999999999999999", .port), ("redis://u:SECRET@h:x", .port),
        ("redis://u:SECRET@h/x", .database), ("redis://u:SECRET@h/-1", .database), ("redis://h/1/2", .database),
        ("redis://h/1?db=2", .database), ("redis://h?db=", .database), ("redis://h?db=SECRET", .database),
        ("redis://h?password=SECRET", .parameter), ("redis://h?", .parameter), ("unix:///s?timeout=1", .parameter),
        ("redis://SECRET@h", .credentials), ("redis://u:SECRET%@h", .credentials),
        ("redis://u:SECRET%4@h", .credentials),
        ("redis://u:SECRET%zz@h", .credentials), ("redis://u:SECRET%ff@h", .credentials),
        ("unix://", .socketPath), ("unix:///", .socketPath), ("unix://relative.sock", .socketPath),
        ("unix:///a%00b", .socketPath), ("unix:///" + String(repeating: "x", count: 107), .socketPath),
    ]

    @Test("refuses everything else, names the part and repeats no secret", arguments: bad)
    func refuses(_ url: String, _ code: RedisAddressError.Code) {
        let error = #expect(throws: RedisAddressError.self) { try RedisAddress(url) }
        #expect(error?.code == code)
        #expect(error.map { "\($0) \(String(reflecting: $0))".contains("SECRET") } == false)
    }

    @Test("keeps the password out of every way to print what holds it")
    func hidesPassword() throws {
        let holder = [Optional(try RedisAddress("redis://u:SECRET@h"))]
        var dumped = ""
        dump(holder, to: &dumped)
        #expect(!"\(holder) \(String(reflecting: holder)) \(dumped)".contains("SECRET"))
    }
}

extension RedisAddress {
    fileprivate static func tcp(
        _ host: String,
        _ port: Int = 6379,
        user: String? = nil,
        password: String? = nil,
        database: Int = 0,
        tls: Bool = false
    ) -> Self {
        Self(
            endpoint: .tcp(host: host, port: port),
            username: user,
            password: password,
            database: database,
            usesTLS: tls
        )
    }

    fileprivate static func unix(
        _ path: String,
        user: String? = nil,
        password: String? = nil,
        database: Int = 0
    ) -> Self {
        Self(endpoint: .unix(path: path), username: user, password: password, database: database)
    }
}
