package sluice.client;

import io.grpc.ConnectivityState;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The channel to one server. */
final class Connection {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    /** A call that fails with UNAVAILABLE before its first answer is tried again, three times at most. */
    private static final Map<String, Object> RETRIES = Map.of(
            "methodConfig",
            List.of(Map.of(
                    "name",
                    List.of(Map.of("service", "sluice.v1.Inference"), Map.of("service", "sluice.v1.Repository")),
                    "retryPolicy",
                    Map.of(
                            "maxAttempts", 4.0,
                            "initialBackoff", "0.1s",
                            "maxBackoff", "1s",
                            "backoffMultiplier", 2.0,
                            "retryableStatusCodes", List.of("UNAVAILABLE")))));

    private Connection() {}

    /** Throws IOException when no server answers in time, or a certificate cannot be read. */
    static ManagedChannel open(String address, ConnectOptions options) throws IOException {
        ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(address, options.credentials())
                .maxInboundMessageSize(Integer.MAX_VALUE)
                .defaultServiceConfig(RETRIES)
                .enableRetry();
        if (options.token() != null) {
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + options.token());
            builder.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
        }
        ManagedChannel channel = builder.build();
        if (!becomesReady(channel, options.timeout())) {
            channel.shutdownNow();
            throw new IOException(
                    "no Sluice server answers at " + address + " within " + options.timeout().toMillis() + " ms");
        }
        return channel;
    }

    private static boolean becomesReady(ManagedChannel channel, Duration timeout) throws IOException {
        long end = System.nanoTime() + timeout.toNanos();
        try {
            for (ConnectivityState state = channel.getState(true);
                    state != ConnectivityState.READY;
                    state = channel.getState(true)) {
                CountDownLatch changed = new CountDownLatch(1);
                channel.notifyWhenStateChanged(state, changed::countDown);
                if (!changed.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    return false;
                }
            }
            return true;
        } catch (InterruptedException interrupted) {
            channel.shutdownNow();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while connecting", interrupted);
        }
    }
}
