import{e as r}from"../shared-EVJ4CIRG.js";import"../shared-6KFKRX7Z.js";import"../shared-VS3LFQ2I.js";import"../shared-SHMUWWUZ.js";var a=()=>r({jsx:!0});export{a as default};
