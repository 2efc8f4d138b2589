package sluice.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import sluice.v1.Box;
import sluice.v1.ClassifyOptions;
import sluice.v1.ClassifyRequest;
import sluice.v1.ClassifyResponse;
import sluice.v1.DetectOptions;
import sluice.v1.DetectRequest;
import sluice.v1.DetectResponse;
import sluice.v1.EmbedOptions;
import sluice.v1.EmbedRequest;
import sluice.v1.EmbedResponse;
import sluice.v1.Frame;
import sluice.v1.FramePolicy;
import sluice.v1.ModelState;
import sluice.v1.PixelFormat;
import sluice.v1.RawPicture;
import sluice.v1.Region;
import sluice.v1.SegmentOptions;
import sluice.v1.SegmentRequest;
import sluice.v1.SegmentResponse;
import sluice.v1.StreamOptions;

/**
 * Against a server whose address is in SLUICE_SERVER. It has models with an input of 64x64 pixels: `spots` finds what is red,
 * `means` embeds a picture as the mean of its channels, red first, brought to unit length, `colors` tells each pixel
 * red, green or blue, `kinds` a whole picture. test/clients/packages.test.ts starts it and runs these.
 */
@EnabledIfEnvironmentVariable(named = "SLUICE_SERVER", matches = ".+")
class SluiceClientTest {
    private static final int SIDE = 64;
    private static final Frame BLACK = plain(0, 0, 0);

    private SluiceClient client;

    @BeforeEach
    void connect() throws IOException {
        // The first connection of a JVM is slow where others work as well.
        ConnectOptions patient = ConnectOptions.defaults().timeout(java.time.Duration.ofSeconds(30));
        client = SluiceClient.connect(System.getenv("SLUICE_SERVER"), patient);
    }

    @AfterEach
    void disconnect() {
        client.close();
    }

    @Test
    void regionsAreEmbeddedOneByOne() {
        Region half = Region.newBuilder()
                .setBox(Box.newBuilder().setRight(SIDE / 2).setBottom(SIDE))
                .build();
        EmbedRequest blue = EmbedRequest.newBuilder()
                .setFrame(plain(0, 0, 255))
                .addRegions(half)
                .addRegions(half)
                .build();
        EmbedOptions options = EmbedOptions.newBuilder().setStream(of("means")).build();
        List<EmbedResponse> answers = all(client.embed(List.of(blue), options));
        assertEquals(1, answers.size());
        assertEquals(2, answers.get(0).getEmbeddingsCount());
        answers.get(0).getEmbeddingsList().forEach(each -> assertEquals(1, each.getValues(2), 1e-3));
    }

    @Test
    void everyPixelHasItsClass() {
        SegmentRequest green = SegmentRequest.newBuilder().setFrame(plain(0, 200, 0)).build();
        SegmentOptions options = SegmentOptions.newBuilder()
                .setStream(of("colors"))
                .setProbabilityMap(true)
                .build();
        List<SegmentResponse> answers = all(client.segment(List.of(green), options));
        assertEquals("green", answers.get(0).getClasses(0).getLabel());
        assertEquals(SIDE * SIDE, answers.get(0).getClasses(0).getPixels());
        assertFalse(answers.get(0).getClassMap().isEmpty());
        assertFalse(answers.get(0).getProbabilityMap().isEmpty());
    }

    @Test
    void aPictureHasItsClass() {
        ClassifyRequest green = ClassifyRequest.newBuilder().setFrame(plain(0, 200, 0)).build();
        ClassifyOptions options =
                ClassifyOptions.newBuilder().setStream(of("kinds")).setTopK(1).build();
        List<ClassifyResponse> answers = all(client.classify(List.of(green), options));
        assertEquals("green", answers.get(0).getClassifications(0).getClasses(0).getLabel());
        assertEquals(1, answers.get(0).getClassifications(0).getClassesCount());
    }

    @Test
    void aCallThatNoModelAnswersIsTold() {
        ClassifyRequest frame = ClassifyRequest.newBuilder().setFrame(BLACK).build();
        ClassifyOptions options = ClassifyOptions.newBuilder().setStream(of("means")).build();
        assertEquals(Code.UNIMPLEMENTED, codeOf(client.classify(List.of(frame), options)));
    }

    @Test
    void answersComeInOrderWithTheErrorsOfTheirFrames() {
        Frame bad = Frame.newBuilder().setEncoded(ByteString.copyFromUtf8("no picture")).build();
        Frame late = BLACK.toBuilder().setTimeout(Duration.newBuilder().setSeconds(-1)).build();
        List<DetectResponse> answers = all(client.detect(requests(BLACK, bad, late, BLACK), spots()));
        assertEquals(
                List.of("", "BAD_IMAGE", "INVALID_REQUEST", ""),
                answers.stream().map(each -> each.getFrame().getError().getCode()).toList());
        assertEquals(
                List.of(0L, 1L, 2L, 3L),
                answers.stream().map(each -> each.getFrame().getIndex()).toList());
    }

    @Test
    void aStreamThatFailsThrowsItsStatusWithAFrameOrWithout() {
        DetectOptions unknown = DetectOptions.newBuilder().setStream(of("nothing")).build();
        assertEquals(Code.NOT_FOUND, codeOf(client.detect(requests(BLACK), unknown)));
        assertEquals(Code.NOT_FOUND, codeOf(client.detect(requests(), unknown)));
    }

    @Test
    void noFramesGiveNoAnswers() {
        assertEquals(List.of(), all(client.detect(requests(), spots())));
    }

    @Test
    void whatTheFramesThrowComesAfterTheAnswersBefore() {
        IllegalStateException gone = new IllegalStateException("the camera is gone");
        Stream<DetectRequest> frames = IntStream.range(0, 3).mapToObj(index -> {
            if (index == 2) {
                throw gone;
            }
            return request(BLACK);
        });
        int answered = 0;
        try (Answers<DetectResponse> answers = client.detect(frames::iterator, spots())) {
            while (true) {
                try {
                    answers.next();
                    answered++;
                } catch (IllegalStateException told) {
                    assertSame(gone, told);
                    break;
                }
            }
        }
        assertEquals(2, answered);
    }

    @Test
    void framesAreTakenAsAnswersAreAndNoMoreWhenTheAnswersAreClosed() {
        AtomicLong taken = new AtomicLong();
        DetectOptions options = spots().toBuilder().setStream(of("spots").toBuilder().setWindow(2)).build();
        long ahead = 0;
        try (Answers<DetectResponse> answers = client.detect(endless(taken), options)) {
            for (int answered = 1; answered <= 100; answered++) {
                answers.next();
                ahead = Math.max(ahead, taken.get() - answered);
            }
        }
        // One more frame may have taken off since the last answer landed.
        assertTrue(ahead <= 2 * 2 + 1, "the frames were " + ahead + " ahead of the answers");
    }

    @Test
    void closingFromAnotherThreadEndsTheStream() throws Exception {
        Answers<DetectResponse> answers = client.detect(endless(new AtomicLong()), spots());
        answers.next();
        CompletableFuture<Code> code = CompletableFuture.supplyAsync(() -> codeOf(answers));
        answers.close();
        assertEquals(Code.CANCELLED, code.get(10, TimeUnit.SECONDS));
    }

    @Test
    void aCallThatTakesTooLongFails() {
        SluiceClient hurried = client.within(java.time.Duration.ofMillis(200));
        assertEquals(Code.DEADLINE_EXCEEDED, codeOf(hurried.detect(endless(new AtomicLong()), spots())));
    }

    @Test
    void liveVideoIsAnsweredFrameByFrame() {
        StreamOptions live = of("spots").toBuilder()
                .setWindow(1)
                .setFramePolicy(FramePolicy.FRAME_POLICY_LATEST)
                .build();
        List<DetectRequest> frames = Collections.nCopies(200, request(BLACK));
        List<DetectResponse> answers =
                all(client.detect(frames, DetectOptions.newBuilder().setStream(live).build()));
        assertEquals(200, answers.size());
        for (DetectResponse answer : answers) {
            String code = answer.getFrame().getError().getCode();
            assertTrue(code.isEmpty() || code.equals("FRAME_DROPPED"), code);
        }
        assertFalse(answers.get(199).getFrame().hasError());
    }

    /** Sends as long as the call takes more, and goes on when it does again. */
    @Test
    void whoMustNotBlockIsHeldBackByTheCall() throws Exception {
        int frames = 500;
        CountDownLatch ended = new CountDownLatch(1);
        List<Long> indices = new ArrayList<>();
        client.inference().detect(new ClientResponseObserver<DetectRequest, DetectResponse>() {
            private int sent;

            @Override
            public void beforeStart(ClientCallStreamObserver<DetectRequest> call) {
                call.setOnReadyHandler(() -> {
                    while (call.isReady() && sent < frames) {
                        DetectRequest.Builder next = request(BLACK).toBuilder();
                        call.onNext((sent == 0 ? next.setOptions(spots()) : next).build());
                        if (++sent == frames) {
                            call.onCompleted();
                        }
                    }
                });
            }

            @Override
            public void onNext(DetectResponse answer) {
                indices.add(answer.getFrame().getIndex());
            }

            @Override
            public void onError(Throwable failure) {
                ended.countDown();
            }

            @Override
            public void onCompleted() {
                ended.countDown();
            }
        });
        assertTrue(ended.await(60, TimeUnit.SECONDS));
        assertEquals(IntStream.range(0, frames).mapToObj(Long::valueOf).toList(), indices);
    }

    @Test
    void theRepositoryIsTold() {
        assertEquals(
                List.of("colors READY", "kinds READY", "means READY", "spots READY"),
                client.listModels().stream()
                        .map(each -> each.getName()
                                + (each.getState() == ModelState.MODEL_STATE_READY ? " READY" : " not ready"))
                        .toList());
    }

    @Test
    void aServerThatLoadsNothingOnDemandSaysSo() {
        for (Runnable change : List.<Runnable>of(() -> client.loadModel("spots"), () -> client.unloadModel("spots"))) {
            StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, change::run);
            assertEquals(Code.FAILED_PRECONDITION, refused.getStatus().getCode());
        }
    }

    @Test
    void noServerIsToldInTime() {
        ConnectOptions soon = ConnectOptions.defaults().timeout(java.time.Duration.ofMillis(100));
        IOException told = assertThrows(IOException.class, () -> SluiceClient.connect("127.0.0.1:1", soon));
        assertEquals("no Sluice server answers at 127.0.0.1:1 within 100 ms", told.getMessage());
    }

    private static Frame plain(int red, int green, int blue) {
        byte[] pixels = new byte[SIDE * SIDE * 3];
        for (int index = 0; index < pixels.length; index += 3) {
            pixels[index] = (byte) red;
            pixels[index + 1] = (byte) green;
            pixels[index + 2] = (byte) blue;
        }
        RawPicture picture = RawPicture.newBuilder()
                .setFormat(PixelFormat.PIXEL_FORMAT_RGB8)
                .setWidth(SIDE)
                .setHeight(SIDE)
                .setData(ByteString.copyFrom(pixels))
                .build();
        return Frame.newBuilder().setRaw(picture).build();
    }

    private static StreamOptions of(String model) {
        return StreamOptions.newBuilder().setModel(model).build();
    }

    private static DetectOptions spots() {
        return DetectOptions.newBuilder().setStream(of("spots")).build();
    }

    private static DetectRequest request(Frame frame) {
        return DetectRequest.newBuilder().setFrame(frame).build();
    }

    private static List<DetectRequest> requests(Frame... frames) {
        return Stream.of(frames).map(SluiceClientTest::request).toList();
    }

    private static Iterable<DetectRequest> endless(AtomicLong taken) {
        return () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public DetectRequest next() {
                taken.incrementAndGet();
                return request(BLACK);
            }
        };
    }

    private static <Response> List<Response> all(Answers<Response> answers) {
        try (answers) {
            List<Response> list = new ArrayList<>();
            answers.forEachRemaining(list::add);
            return list;
        }
    }

    private static Code codeOf(Answers<?> answers) {
        try (answers) {
            StatusRuntimeException failure =
                    assertThrows(StatusRuntimeException.class, () -> answers.forEachRemaining(answer -> {}));
            return failure.getStatus().getCode();
        }
    }
}
