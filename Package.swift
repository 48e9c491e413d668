// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let serviceContext: Target.Dependency = .product(name: "ServiceContextModule", package: "swift-service-context")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let collections: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "frame-buffer",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "framebuffer", targets: ["framebuffer"]),
        .library(name: "FrameTracking", targets: ["FrameTracking"]),
        .library(name: "FrameBufferClient", targets: ["FrameBufferClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.5.1"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CTCPInfo"),
        // jemalloc takes a tenth less of the processor than glibc's malloc does, and less memory.
        .target(name: "CMallocConf", linkerSettings: [.linkedLibrary("jemalloc")]),
        .target(name: "EventLoopExecution", dependencies: [nioCore], swiftSettings: settings),
        .target(
            name: "RedisClient",
            dependencies: ["EventLoopExecution", nioCore, nioPosix, logging, collections],
            swiftSettings: settings
        ),
        .target(
            name: "HTTPServer",
            dependencies: [
                "CTCPInfo", "EventLoopExecution", nioCore, nioPosix, nioHTTP1, logging, collections, lifecycle,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "FrameTracking",
            dependencies: [
                "CZlib", nioCore, nioPosix, nioHTTP1, nioSSL, logging, tracing, serviceContext, httpClient, lifecycle,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "FrameBuffer",
            dependencies: [
                "EventLoopExecution", "RedisClient", "FrameTracking", nioCore, logging, collections, crypto,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "FrameBufferServer",
            dependencies: [
                "EventLoopExecution", "FrameBuffer", "FrameTracking", "HTTPServer", "RedisClient",
                nioCore, nioPosix, nioHTTP1, logging, lifecycle, signals, configuration, subprocess, system,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "FrameBufferClient",
            dependencies: [httpClient, nioCore, nioPosix, nioHTTP1],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "framebuffer",
            dependencies: [
                "CMallocConf", "FrameBufferServer", "FrameBufferClient", "FrameTracking", arguments, nioCore, logging,
                tracing,
            ],
            swiftSettings: settings
        ),
        .target(name: "RedisTesting", path: "Tests/RedisTesting", swiftSettings: settings),
        // What FrameTracking's documentation shows, built as other packages are: with nothing but what is public.
        .target(
            name: "FrameTrackingExamples",
            dependencies: ["FrameTracking", "FrameBufferClient", logging, tracing, lifecycle],
            path: "Tests/FrameTrackingExamples",
            packageAccess: false,
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
        .testTarget(
            name: "RedisClientTests",
            dependencies: ["EventLoopExecution", "RedisClient", "RedisTesting", nioCore, nioPosix, logging],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "CTCPInfo", "EventLoopExecution", "HTTPServer", nioCore, nioPosix, nioHTTP1, nioEmbedded, logging,
                lifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FrameTrackingTests",
            dependencies: [
                "CZlib", "FrameTracking", "FrameTrackingExamples", nioCore, nioPosix, nioHTTP1, nioSSL, logging,
                tracing, serviceContext, httpClient, lifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FrameBufferTests",
            dependencies: [
                "EventLoopExecution", "FrameBuffer", "FrameTracking", "RedisClient", "RedisTesting", nioCore, nioPosix,
                logging,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "FrameBufferServerTests",
            dependencies: [
                "FrameBufferServer", "FrameTracking", "HTTPServer", "RedisClient", "RedisTesting", nioCore, nioHTTP1,
                logging, lifecycle, configuration, subprocess, system,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "Acceptance",
            dependencies: [
                "framebuffer", "FrameBufferClient", "FrameBufferServer", "FrameTracking", "FrameTrackingExamples",
                "RedisTesting", arguments, httpClient, lifecycle, nioCore, nioPosix, nioHTTP1,
            ],
            path: "Tests/Acceptance",
            exclude: [
                "Support/leasing_worker.py", "Support/make_jpegs.py", "Support/otlp_receiver.py",
                "Support/python_program.py", "Support/read_metrics.py", "Support/requirements.txt",
            ],
            swiftSettings: settings
        ),
    ]
)
