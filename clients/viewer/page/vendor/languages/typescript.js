import{e as t}from"../shared-EVJ4CIRG.js";import"../shared-6KFKRX7Z.js";import"../shared-VS3LFQ2I.js";import"../shared-SHMUWWUZ.js";var e=()=>t({jsx:!0,typescript:!0});export{e as default};
