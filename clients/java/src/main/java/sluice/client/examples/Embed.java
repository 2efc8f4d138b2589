package sluice.client.examples;

import java.util.List;
import java.util.Locale;
import sluice.client.Answers;
import sluice.client.SluiceClient;
import sluice.v1.EmbedOptions;
import sluice.v1.EmbedRequest;
import sluice.v1.EmbedResponse;
import sluice.v1.Embedding;
import sluice.v1.StreamOptions;

/**
 * Turns pictures into feature vectors and prints one line for each, with --json one JSON object with all its values.
 *
 * <p>The other flags are those of {@link Detect}, except for the threshold.
 */
public final class Embed {
    private Embed() {}

    public static void main(String[] arguments) {
        Program.run("embed", arguments, Embed::embed);
    }

    private static int embed(Program program, SluiceClient client) {
        EmbedOptions options = EmbedOptions.newBuilder()
                .setStream(StreamOptions.newBuilder().setModel(program.flag("model", "")))
                .build();
        Iterable<EmbedRequest> frames =
                program.frames(frame -> EmbedRequest.newBuilder().setFrame(frame).build());
        int exitCode = 0;
        try (Answers<EmbedResponse> answers = client.embed(frames, options)) {
            for (EmbedResponse answer : answers) {
                if (Program.reportError(answer.getFrame())) {
                    exitCode = 1;
                }
                for (Embedding embedding : answer.getEmbeddingsList()) {
                    System.out.println(describe(answer.getFrame().getFrameId(), embedding, program.has("json")));
                }
            }
        }
        return exitCode;
    }

    private static String describe(String id, Embedding embedding, boolean json) {
        List<Float> values = embedding.getValuesList();
        if (json) {
            return "{\"image\": \"" + id + "\", \"values\": " + values + "}";
        }
        double squares = values.stream().mapToDouble(value -> (double) value * value).sum();
        return String.format(
                Locale.ROOT, "%s: embedding of %d values, length %.3f", id, values.size(), Math.sqrt(squares));
    }
}
