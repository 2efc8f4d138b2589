package sluice.client;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;

/** How a {@link SluiceClient} connects. Immutable: each method answers with changed options. */
public final class ConnectOptions {
    private static final ConnectOptions DEFAULTS = new ConnectOptions(Duration.ofSeconds(5), Tls.NONE, null);

    /** What TLS takes. `authorities` null: those of the system; `chain` and `key` null: the client shows no certificate. */
    private record Tls(boolean used, File authorities, File chain, File key) {
        static final Tls NONE = new Tls(false, null, null, null);
    }

    private final Duration timeout;
    private final Tls tls;
    private final String token;

    private ConnectOptions(Duration timeout, Tls tls, String token) {
        this.timeout = timeout;
        this.tls = tls;
        this.token = token;
    }

    /** Five seconds, no TLS, no token. */
    public static ConnectOptions defaults() {
        return DEFAULTS;
    }

    /** How long to wait for a server; more than 0. */
    public ConnectOptions timeout(Duration time) {
        return new ConnectOptions(Objects.requireNonNull(time), tls, token);
    }

    /** Speaks TLS with a server whose certificate the system trusts. */
    public ConnectOptions tls() {
        return new ConnectOptions(timeout, new Tls(true, null, tls.chain, tls.key), token);
    }

    /** Speaks TLS with a server whose certificate one of these authorities, a PEM file, has signed. */
    public ConnectOptions tls(File authorities) {
        return new ConnectOptions(timeout, new Tls(true, Objects.requireNonNull(authorities), tls.chain, tls.key), token);
    }

    /** Speaks TLS and shows a certificate of one's own, two PEM files: the chain, the client's own first, and its key. */
    public ConnectOptions identity(File chain, File key) {
        Tls shown = new Tls(true, tls.authorities, Objects.requireNonNull(chain), Objects.requireNonNull(key));
        return new ConnectOptions(timeout, shown, token);
    }

    /** Sends a bearer token with every call. Without TLS the network can read it. */
    public ConnectOptions token(String bearer) {
        return new ConnectOptions(timeout, tls, Objects.requireNonNull(bearer));
    }

    Duration timeout() {
        return timeout;
    }

    /** Null: none. */
    String token() {
        return token;
    }

    ChannelCredentials credentials() throws IOException {
        if (!tls.used) {
            return InsecureChannelCredentials.create();
        }
        TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
        if (tls.authorities != null) {
            builder.trustManager(tls.authorities);
        }
        if (tls.chain != null) {
            builder.keyManager(tls.chain, tls.key);
        }
        return builder.build();
    }
}
