package sluice.client.examples;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import sluice.client.ConnectOptions;
import sluice.client.SluiceClient;
import sluice.v1.Frame;
import sluice.v1.FrameInfo;

/** What the programs share: their arguments, their files as frames, and how they end. */
final class Program {
    /** Flags that take no value. */
    private static final Set<String> SWITCHES = Set.of("json", "tls");

    private final Map<String, String> flags = new HashMap<>();
    private final List<String> images = new ArrayList<>();

    private Program(String[] arguments) {
        for (int index = 0; index < arguments.length; index++) {
            String argument = arguments[index];
            if (!argument.startsWith("--")) {
                images.add(argument);
            } else if (SWITCHES.contains(argument.substring(2))) {
                flags.put(argument.substring(2), "");
            } else if (index + 1 < arguments.length) {
                flags.put(argument.substring(2), arguments[++index]);
            } else {
                throw new IllegalArgumentException(argument + " takes a value");
            }
        }
    }

    /** What a program does with its connection; answers with its exit code. */
    interface Body {
        int run(Program program, SluiceClient client);
    }

    /** Ends the process with the program's exit code; 1 when a file, the connection or the stream failed. */
    static void run(String name, String[] arguments, Body body) {
        int exitCode = 1;
        try {
            Program program = new Program(arguments);
            String server = program.flags.getOrDefault("server", "127.0.0.1:8001");
            try (SluiceClient client = SluiceClient.connect(server, program.connectOptions())) {
                exitCode = body.run(program, client);
            }
        } catch (StatusRuntimeException failure) {
            Status status = failure.getStatus();
            System.err.println(name + ": " + status.getCode() + ": " + status.getDescription());
        } catch (IOException | UncheckedIOException | IllegalArgumentException failure) {
            System.err.println(name + ": " + failure.getMessage());
        }
        System.exit(exitCode);
    }

    String flag(String name, String otherwise) {
        return flags.getOrDefault(name, otherwise);
    }

    boolean has(String name) {
        return flags.containsKey(name);
    }

    /** Reads each file when its turn has come. */
    <Request> Iterable<Request> frames(Function<Frame, Request> request) {
        return () -> images.stream().map(image -> request.apply(read(Path.of(image)))).iterator();
    }

    /** Prints the frame's error and answers whether it has one. */
    static boolean reportError(FrameInfo frame) {
        if (!frame.hasError()) {
            return false;
        }
        System.err.printf("%s: %s: %s%n", frame.getFrameId(), frame.getError().getCode(), frame.getError().getMessage());
        return true;
    }

    private static Frame read(Path image) {
        try {
            ByteString bytes = ByteString.copyFrom(Files.readAllBytes(image));
            return Frame.newBuilder().setFrameId(image.getFileName().toString()).setEncoded(bytes).build();
        } catch (NoSuchFileException failure) {
            throw new UncheckedIOException(new IOException("no such file: " + image, failure));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private ConnectOptions connectOptions() {
        // The first connection of a JVM is slow where others work as well.
        ConnectOptions options = ConnectOptions.defaults().timeout(Duration.ofSeconds(10));
        if (has("tls")) {
            options = options.tls();
        }
        if (has("ca")) {
            options = options.tls(new File(flags.get("ca")));
        }
        if (has("cert")) {
            options = options.identity(new File(flags.get("cert")), new File(flag("key", "")));
        }
        return has("token") ? options.token(flags.get("token")) : options;
    }
}
